"""How people of elsewhere differ from those a model learned from.

A model that orders people well where they differ much orders them less well where they are all
alike, through no fault of its own: case mix has to be read beside discrimination (Debray et al.
2015, J Clin Epidemiol 68:279).
"""

from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.domain import Domain

COLUMNS = [
    "quantity", "n_training", "mean_training", "sd_training", "n_people", "mean", "sd",
    "difference", "outside",
]  # fmt: skip


def case_mix(domain: Domain, people: pd.DataFrame) -> pd.DataFrame:
    """Compare what is known of people with the training people.

    Parameters
    ----------
    domain : Domain
        Of the model.
    people : DataFrame
        One row per person; columns are compared where the domain knows them as facts of people.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. Of amounts that are skewed, means and standard deviations are of
        ln(1 + x), and the quantity says so. `difference` is in standard deviations of the training
        people, `outside` the share of people whom `Domain.findings` calls outside.
    """
    rows: list[tuple[Any, ...]] = []
    for kind, spreads in domain.spreads.items():
        for name, spread in spreads.items():
            if kind != name or name not in people:  # features and maps are many
                continue
            values = people[name].to_numpy(dtype=float, na_value=np.nan)
            known = values[np.isfinite(values)]
            if not known.size:
                continue
            outside = float(np.mean([spread.distance(float(value)) > 1 for value in known]))
            taken = np.log1p(np.maximum(known, 0)) if spread.logarithmic else known
            sd = float(taken.std(ddof=1)) if len(taken) > 1 else np.nan
            mean = float(taken.mean())
            shift = (mean - spread.mean) / spread.sd
            quantity = f"ln(1 + {name})" if spread.logarithmic else name
            training = (spread.n, spread.mean, spread.sd)
            rows.append((quantity, *training, len(known), mean, sd, shift, outside))
    return pd.DataFrame(rows, columns=COLUMNS)
