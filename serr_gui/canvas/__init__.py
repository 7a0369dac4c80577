"""The photograph on the screen: geometry, resampling and colours without Qt, and the widget that paints."""
