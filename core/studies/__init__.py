"""Studies: measures of two groups, or of two visits of the same eyes, compared.

``design`` says which photograph belongs to which group, ``comparison`` tests, ``tables`` and ``plots`` write.
"""
