"""One exchange: request, response, and the order of everything between them."""
