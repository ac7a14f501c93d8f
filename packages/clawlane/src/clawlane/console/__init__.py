"""The web console: pages for what an operator does, each over the operations that the commands use."""
