"""From a photograph to a clearer or a larger one: ESRGAN (Wang et al. 2018, arXiv 1809.00219)."""
