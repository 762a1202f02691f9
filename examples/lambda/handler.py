"""A WebSocket chat as one writes it for AWS Lambda behind API Gateway; nothing in it knows Sockhook.

Routes $connect, $disconnect and sendmessage ({"action": "sendmessage", "data": "hello"} goes to everybody).
"""

import json
import os

import boto3
from table import connections  # with DynamoDB: boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def handler(event, context):
    routes = {"$connect": connect, "$disconnect": disconnect, "sendmessage": send_message}
    return routes[event["requestContext"]["routeKey"]](event)


def connect(event):
    connections.put_item(Item={"connectionId": event["requestContext"]["connectionId"]})
    return {"statusCode": 200}


def disconnect(event):
    connections.delete_item(Key={"connectionId": event["requestContext"]["connectionId"]})
    return {"statusCode": 200}


def send_message(event):
    request = event["requestContext"]
    endpoint = os.environ.get("MANAGEMENT_URL") or f"https://{request['domainName']}/{request['stage']}"
    gateway = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    data = json.loads(event["body"])["data"].encode()
    for item in connections.scan()["Items"]:
        try:
            gateway.post_to_connection(ConnectionId=item["connectionId"], Data=data)
        except gateway.exceptions.GoneException:
            connections.delete_item(Key=item)
    return {"statusCode": 200}
