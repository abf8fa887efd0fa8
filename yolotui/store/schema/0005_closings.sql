-- From when on a drained card is out of use; null: at once. Until then it takes what ends before.
ALTER TABLE gpus ADD COLUMN closes_at REAL;
