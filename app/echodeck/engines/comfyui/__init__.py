"""ComfyUI: what its servers say (`frames`, `rest`, `past`: pure functions), and what is done with it."""
