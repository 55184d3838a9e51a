"""The tokeniser of the common caption evaluation, from its documentation and from watching it."""
