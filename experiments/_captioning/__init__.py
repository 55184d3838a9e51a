"""What the captioning experiments share: from captioned pictures to a table of scores."""
