"""`Network`, the part of Keras 2's models that knows layers and not how they are trained; `Container`, its name in Keras 1."""

from fastkeras.models import Model

# here every model can be trained once it is compiled, so there is no class below it
Network = Container = Model
