"""One training step of the six-branch network in Keras, from the app's own table of layers.

usage: python benchmarks/train_keras.py JSON   (in an environment with tensorflow-cpu)
JSON: branches, layers (kind and width of each), shape, batch, steps, threads. Prints JSON.
"""

import json
import resource
import statistics
import sys
import time
from typing import Any

import numpy as np


def normalised(x: Any, width: int, size: int = 3, strides: int = 1) -> Any:
    from keras import layers

    x = layers.Conv3D(width, size, strides=strides, padding="same")(x)
    return layers.BatchNormalization(epsilon=1e-3)(x)


def layer(x: Any, kind: str, width: int) -> Any:
    from keras import layers

    pool = layers.AveragePooling3D(3, 2, padding="same")
    match kind:
        case "convolution":
            return normalised(x, width)
        case "relu":
            return layers.ReLU()(x)
        case "pool":
            return pool(x)
        case "residual":
            return layers.ReLU()(layers.Add()([normalised(x, width), x]))
        case "down":
            shortcut = normalised(x, width, size=1, strides=2)
            return layers.ReLU()(layers.Add()([pool(normalised(x, width)), shortcut]))
        case _:
            return layers.GlobalAveragePooling3D()(x)


def network(plan: dict[str, Any]) -> Any:
    import keras
    from keras import layers

    inputs, features = [], []
    for _ in range(plan["branches"]):
        x = start = layers.Input((*plan["shape"], 1))
        for kind, width in plan["layers"]:
            x = layer(x, kind, width)
        inputs.append(start)
        features.append(x)
    demographics = layers.Input((3,))
    x = layers.Concatenate()([*features, layers.Dense(1, activation="relu")(demographics)])
    x = layers.BatchNormalization(epsilon=1e-3)(x)
    for _ in range(2):
        x = layers.Dropout(0.3)(layers.Dense(256, activation="relu")(x))
        x = layers.BatchNormalization(epsilon=1e-3)(x)
    model = keras.Model([*inputs, demographics], layers.Dense(2)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-4, momentum=0.9, weight_decay=5e-3), loss)
    return model


def main() -> None:
    plan = json.loads(sys.argv[1])
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(plan["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rng = np.random.default_rng(0)
    size = (plan["batch"], *plan["shape"], 1)
    x = [rng.standard_normal(size, dtype=np.float32) for _ in range(plan["branches"])]
    x.append(rng.standard_normal((plan["batch"], 3), dtype=np.float32))
    y = rng.integers(0, 2, plan["batch"])
    model, seconds, processor = network(plan), [], []
    for _ in range(plan["steps"] + 1):
        start, before = time.perf_counter(), time.process_time()
        model.train_on_batch(x, y)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - before)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    print(
        json.dumps(
            {
                "step": statistics.median(seconds[1:]),
                "cpu": statistics.median(processor[1:]),
                "peak_gib": peak,
                "parameters": trainable,
            }
        )
    )


if __name__ == "__main__":
    main()
