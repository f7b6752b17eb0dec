"""What diffusers pipelines do and show, for scripts (`tracking`) and for the engine. Pipelines are known by what they
have: their library is imported by whoever has one.

`phases` hears of a call's phases and steps, `facts` reads what the call is, `look` makes pictures of its latents.
"""
