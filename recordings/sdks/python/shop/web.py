"""The web side of the shop."""

import flask
import jinja2
import requests

app = flask.Flask("shop")


# @moved
@app.post("/orders/<int:number>/pay")
def pay(number):
    return {"paid": card_of(number)["number"]}


def card_of(number):
    return {"id": number}


def request(path):
    app.test_client().post(path)


def render_receipt(values):
    loader = jinja2.DictLoader({"receipt.html": "Hello\n{{ order.customer.name }}\n"})
    return jinja2.Environment(loader=loader).get_template("receipt.html").render(values)


def supplier_stock(url):
    return requests.get(url, timeout=2).json()


def read_certificate(path):
    with open(path, "rb") as file:
        return file.read()
