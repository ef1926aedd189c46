"""A person's own sounds: decoded, embedded by YAMNet, and written as a prepared dataset."""
