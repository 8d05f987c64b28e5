"""Tables, figures and videos become one self-contained page."""
