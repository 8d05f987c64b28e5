"""How fast is it, and with how much memory: what `myoassist bench` measures."""
