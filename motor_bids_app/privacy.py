"""What is said of people: ages above 89 identify, and are shown as '89+'."""

OLDEST = 89  # years; the limit of HIPAA and of BIDS


def shown_age(years: float) -> str:
    """Age as outputs give it; models keep the exact one.

    >>> shown_age(54.2), shown_age(89), shown_age(97)
    ('54.2', '89', '89+')
    """
    return f"{years:.3g}" if years <= OLDEST else f"{OLDEST}+"


def shown(quantity: str, value: float) -> str:
    """Value of a quantity with three digits, the age as `shown_age`.

    >>> shown("age", 97), shown("lesion_volume", 97)
    ('89+', '97')
    """
    return shown_age(value) if quantity == "age" else f"{value:.3g}"
