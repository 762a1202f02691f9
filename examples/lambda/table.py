"""The three calls of a DynamoDB table that the handler makes, kept in a SQLite file."""

import os
import sqlite3


class Table:
    def __init__(self, file):
        self.file = file
        self._do("CREATE TABLE IF NOT EXISTS connections (id TEXT PRIMARY KEY)")

    def put_item(self, Item):
        self._do("INSERT OR REPLACE INTO connections VALUES (?)", Item["connectionId"])

    def delete_item(self, Key):
        self._do("DELETE FROM connections WHERE id = ?", Key["connectionId"])

    def scan(self):
        return {"Items": [{"connectionId": row[0]} for row in self._do("SELECT id FROM connections")]}

    def _do(self, statement, *values):
        with sqlite3.connect(self.file) as database:
            return database.execute(statement, values).fetchall()


connections = Table(os.environ.get("TABLE_FILE", "/tmp/sockhook-lambda-connections.db"))
