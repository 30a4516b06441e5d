// Plays the scenarios in a browser, on a page of the same origin as the platform. The page calls
// scenarios.play({ url: location.origin, … }, console.log).
import { Client } from "@casino-loyalty/client";
import { play } from "./scenarios.js";

Object.assign(window, { scenarios: { play, Client } });
