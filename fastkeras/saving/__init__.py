"""Objects to configurations and files, and back."""
