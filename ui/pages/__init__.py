"""Pages of the app. A page imports no other page."""
