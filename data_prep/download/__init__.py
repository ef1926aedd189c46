"""Downloads over HTTP that resume after any interruption, and packed datasets."""
