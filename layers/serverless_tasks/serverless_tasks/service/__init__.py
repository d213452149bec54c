"""``TaskService`` and what it is made of."""
