"""Files that ship with the program: the sample photograph, icons, trained weights."""
