"""The way of a message through servers, as these tell it."""
