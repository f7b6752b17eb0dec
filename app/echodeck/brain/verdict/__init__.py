"""Verdicts on pictures: measures of what was made, what is normal for its model, and a score with its reasons.

`measure`, `film` and `sign` turn pixels into figures, `norms` says what is too much of each for a model, `judge`
decides. The first three load NumPy (SciPy and scikit-image when they are called), the others nothing.
"""
