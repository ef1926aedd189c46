"""Parts of pages that several pages draw: cards, lists, charts, links, exports."""
