"""What the covariance of a landmark promises: ellipses that hold a share of the errors.

Errors of landmarks have heavier tails than a Gaussian's: most faces are easy, and a few are not. So
a covariance here is that of a Student distribution of the plane (Kotz and Nadarajah, 2004).
"""

import math

TAILS = 8.0  # degrees of freedom; a Gaussian has infinitely many


def squared_radius(level: float, tails: float = TAILS) -> float:
    """Squared Mahalanobis distance within which a share of the errors lies.

    Args:
        level: the share, above 0 and below 1.
        tails: degrees of freedom of the errors, above 2; infinity for a Gaussian.

    Raises:
        ValueError: if one of them is not so.

    Example:
        >>> round(squared_radius(0.68), 3), round(squared_radius(0.95), 3)
        (1.978, 6.688)
        >>> round(squared_radius(0.95, math.inf), 3)
        5.991
    """
    if not 0 < level < 1 or not tails > 2:
        raise ValueError(f"expected 0 < level < 1 and tails > 2, found {level} and {tails}")
    if math.isinf(tails):
        return -2 * math.log(1 - level)
    return (tails - 2) * ((1 - level) ** (-2 / tails) - 1)
