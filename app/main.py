"""What `panel serve app` serves: the live page."""

from echodeck.view.serve import serve_here

serve_here()
