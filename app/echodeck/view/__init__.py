"""The view: reactive state for Python, the components, the pages and their server. Loads nothing by itself."""
