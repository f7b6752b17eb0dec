"""Who is told what, when, and in how many messages. Pure: time comes in, and what to send comes out.

A notice is something that happened; routes say which channels it goes to. In each channel's line notices of one kind
wait together for some seconds, so that many become one message with their number; a token bucket bounds how many
messages leave, quiet hours hold back what can wait, and a message that does not arrive is tried again, later and later.
Whatever is grouped is counted: nothing is dropped before a message was tried as often as it may be.
"""
