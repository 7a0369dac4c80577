"""What ``import serr`` offers: functions that take paths, arrays or boxes, give boxes, and explain a wrong argument."""
