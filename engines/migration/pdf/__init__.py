"""A plan as a PDF: fonts, pages, tables and charts, and the chapters made of them."""
