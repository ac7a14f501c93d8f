"""What a person does on day one, played against the simulator."""
