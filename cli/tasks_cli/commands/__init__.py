"""The commands, by what one does with them."""
