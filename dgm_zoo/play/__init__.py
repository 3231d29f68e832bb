"""The playground: a local page for any preset or run, made from the endpoint table of its model.

    dgm-zoo play --preset=vae_mnist

* `controls.py` divides an endpoint table into panels, and says which control each input gets.
* `exhibits.py` loads models by name, and asks their endpoints.
* `codes.py` finds codes z to start from: draws of p(z), a map between four codes, a path between two.
* `show.py` turns answers into HTML, `words.py` says in plain words what they mean.
* `widgets.py` has the canvas and the map, whose JavaScript is in `web/`; `panels.py` and `page.py` build the page.

Only `widgets.py`, `panels.py` and `page.py` need Gradio, the extra `play`.
"""
