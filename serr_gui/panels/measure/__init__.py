"""The panel Measure: what is measured of the vessels on the screen."""
