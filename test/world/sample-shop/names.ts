/** What fictional people of a country are made of. Names are common ones, mixed by chance: nobody in particular. */
export interface Country {
  readonly code: string
  readonly first: readonly string[]
  readonly last: readonly string[]
  readonly cities: readonly string[]
}

const words = (text: string): readonly string[] => text.trim().split(/\s*,\s*/)

export const countries: readonly Country[] = [
  {
    code: 'US',
    first:
      words(`Ava, Noah, Mia, Ethan, Chloe, Marcus, Grace, Tyler, Naomi, Owen, Jasmine, Caleb, Rosa, Dwight,
      Elena, Andre, Paige, Victor, Ruth, Desmond`),
    last: words(`Carter, Nguyen, Bennett, Ramirez, Brooks, Patel, Sullivan, Hayes, Okafor, Whitman, Delgado, Foster,
      Kim, Palmer, Jefferson, Lindqvist, Moreno, Tate, Winslow, Abbott`),
    cities: words('Portland, Austin, Madison, Tucson, Richmond, Omaha, Savannah, Buffalo'),
  },
  {
    code: 'GB',
    first:
      words(`Amelia, Oliver, Priya, Harry, Isla, Callum, Freya, Imran, Poppy, Rhys, Eleanor, Dylan, Zara, Alfie,
      Beth, Kwame, Nia, George, Hannah, Fergus`),
    last: words(`Whitfield, Ahmed, Thornton, Davies, MacLeod, Hughes, Barlow, Osei, Pemberton, Shah, Griffiths, Ward,
      Kaur, Ellison, Fraser, Holt, Morgan, Ashby, Nolan, Turner`),
    cities: words('Leeds, Bristol, Cardiff, Glasgow, Norwich, York, Brighton, Dundee'),
  },
  {
    code: 'DE',
    first:
      words(`Lena, Jonas, Mara, Felix, Aylin, Tobias, Greta, Lukas, Sabine, Emre, Klara, Moritz, Ines, Jürgen, Nele,
      Matthias, Ronja, Stefan, Annika, Björn`),
    last: words(`Schneider, Yılmaz, Hoffmann, Krüger, Brandt, Vogel, Lorenz, Möller, Seidel, Kaya, Winkler, Böhm,
      Arnold, Jansen, Fuchs, Großmann, Pohl, Reuter, Thiele, Ziegler`),
    cities: words('Leipzig, Bremen, Freiburg, Kassel, Münster, Potsdam, Köln, Erfurt'),
  },
  {
    code: 'FR',
    first:
      words(`Camille, Hugo, Inès, Mathis, Élodie, Karim, Manon, Julien, Fatou, Baptiste, Léa, Rémi, Solène, Théo,
      Nadia, Quentin, Aurore, Yanis, Margaux, Loïc`),
    last: words(`Lefèvre, Moreau, Benali, Garnier, Rousseau, Diallo, Chevalier, Faure, Mercier, Blanc, Nguyen, Perrin,
      Boyer, Haddad, Lemoine, Renaud, Marchand, Caron, Dumas, Picard`),
    cities: words('Nantes, Lille, Grenoble, Rennes, Dijon, Toulouse, Annecy, Rouen'),
  },
]
