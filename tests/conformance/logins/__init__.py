"""How clients log in, as the real server lets them or not."""
