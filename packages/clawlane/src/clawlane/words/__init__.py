"""Words for what operations give: the same at the terminal and in the console."""
