"""Longest match: at every position the rule that takes most characters makes the token."""

from caption._ptb.rules import rules_for


def next_token(text: str, position: int) -> tuple[str, int]:
    """The token that begins at a position, as it is written, and where the next one begins.

    The token is empty where the character is a space, or one that the reference deletes.
    """
    longest, chosen, rule = position, None, None
    # Beyond the basic plane all characters are alike: what is kept for each need not grow.
    for pattern, candidate in rules_for(min(text[position], "\U00010000")):
        match = pattern.match(text, position)
        if match is not None and match.end() > longest:
            longest, chosen, rule = match.end(), match, candidate
    if chosen is None or rule is None:
        return "", position + 1
    # The group that took part, where there is one: the rest is only read ahead.
    group = chosen.lastindex or 0
    return rule.written(chosen[group]), chosen.end(group) - rule.again
