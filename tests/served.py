"""A preset as TensorFlow Serving loads it, without the server."""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow_serving.apis import prediction_log_pb2

from dgm_zoo.serving.warmup import WARMUP_FILE


class Served:
    """A SavedModel in a TensorFlow 1 session, which is how TensorFlow Serving loads it.

    Requests bypass the shape checks of Python, which a server does not have either.
    """

    def __init__(self, folder):
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            self.graph = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
        self.signatures = {k: v for k, v in self.graph.signature_def.items() if not k.startswith("__")}
        self.calls = {}

    def __call__(self, name, **arrays):
        signature = self.signatures[name]
        feeds, fetches = sorted(signature.inputs), sorted(signature.outputs)
        if name not in self.calls:
            options = config_pb2.CallableOptions()
            options.feed.extend(signature.inputs[key].name for key in feeds)
            options.fetch.extend(signature.outputs[key].name for key in fetches)
            self.calls[name] = self.session._make_callable_from_options(options)
        return dict(zip(fetches, self.calls[name](*(arrays[key] for key in feeds)), strict=True))

    def xla_functions(self, name):
        """The functions reachable from a signature that XLA must compile."""
        nodes = {node.name: node for node in self.graph.graph_def.node}
        library = {function.signature.name: function for function in self.graph.graph_def.library.function}
        waiting = [nodes[output.name.split(":")[0]] for output in self.signatures[name].outputs.values()]
        seen, compiled = set(), set()
        while waiting:
            node = waiting.pop()
            if node.attr["_XlaMustCompile"].b:
                compiled.add(node.name)
            called = [value.func.name for value in node.attr.values() if value.HasField("func")]
            called += [func.name for value in node.attr.values() for func in value.list.func]
            for function in (library[one] for one in called if one in library and one not in seen):
                seen.add(function.signature.name)
                if function.attr["_XlaMustCompile"].b:
                    compiled.add(function.signature.name)
                waiting += function.node_def
            waiting += [nodes[one] for key in node.input if (one := key.strip("^").split(":")[0]) in nodes]
        assert seen, f"{name} reaches no function at all"
        return compiled


def warm_up(served, folder):
    """Replays the warm-up file of a version, as the server does before it answers; yields (model, endpoint, answer)."""
    for record in tf.data.TFRecordDataset(str(Path(folder) / WARMUP_FILE)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        name = request.model_spec.signature_name
        given = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        yield request.model_spec.name, name, served(name, **given)
