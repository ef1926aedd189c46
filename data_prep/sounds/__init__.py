"""Own sounds of a user: decoding, embedding by YAMNet, conversion to a prepared dataset, and queries."""
