"""The dialog that makes a data set of one's photographs and labels."""
