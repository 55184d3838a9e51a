"""Longest match: at every position the rule that takes most characters makes the token."""

from caption._ptb.rules import rules_for


def scan(text: str) -> list[str]:
    """All tokens of a text, those of punctuation too."""
    tokens = []
    position, end = 0, len(text)
    while position < end:
        longest, chosen, written = 0, None, None
        for rule in rules_for(text[position]):
            match = rule.pattern.match(text, position)
            if match is not None and match.end() > longest:
                longest, chosen, written, again = match.end(), match, rule.written, rule.again
        if chosen is None:
            position += 1
            continue
        group = chosen.lastindex or 0
        if token := written(chosen[group]):
            tokens.append(token)
        position = chosen.end(group) - again
    return tokens
