"""How the server says something: JSON on one line (`json`), packed for who asks for that
(`packing`), and the header blocks that belong to it (`headers`). Below all rooms that say
something; it knows nothing of the server."""
