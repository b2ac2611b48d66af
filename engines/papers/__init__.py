"""PDF papers: the fonts, pages and tables that every document of Stackhand is made of."""
