"""The end-to-end cases, by what they are about."""
