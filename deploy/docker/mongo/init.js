// Creates the replica set and the user of the notifications service. mongosh runs this script on the first member. It can run
// again. The passwords are read from files, because other processes see the arguments of mongosh.
const secret = (name) => fs.readFileSync("/run/secrets/" + name, "utf8").trim();
const password = secret("mongodb_password");
db.auth("root", secret("mongodb_root_password"));

try {
  rs.status();
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  rs.initiate({
    _id: "loyalty",
    members: [
      { _id: 0, host: "mongo-0:27017", priority: 2 },
      { _id: 1, host: "mongo-1:27017" },
      { _id: 2, host: "mongo-2:27017" },
    ],
  });
}

const deadline = Date.now() + 60_000;
while (!db.hello().isWritablePrimary) {
  if (Date.now() > deadline) throw new Error("mongo-0 is not the primary after 60 seconds");
  sleep(500);
}

// The service deletes no notification, and changes no stored answer.
const role = "loyaltyNotifications";
const always = ["find", "insert", "createCollection", "createIndex", "listIndexes"];
const privileges = [
  { resource: { db: "notifications", collection: "notifications" }, actions: [...always, "update"] },
  { resource: { db: "notifications", collection: "idempotency_keys" }, actions: [...always, "remove"] },
];
if (db.getRole(role)) {
  db.updateRole(role, { privileges, roles: [] });
} else {
  db.createRole({ role, privileges, roles: [] });
}

const roles = [role];
if (db.getUser("loyalty")) {
  db.updateUser("loyalty", { pwd: password, roles });
} else {
  db.createUser({ user: "loyalty", pwd: password, roles });
}
