"""Delta tables through PySpark and delta-spark: one JSON request a line on stdin, one JSON answer a line on stdout."""

import os
import sys
from pathlib import Path

from answers import serve
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession

root = Path(__file__).resolve().parents[2]

# Spark prints on what it takes for the standard output, where answers alone may stand.
sys.stdout = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
# The driver with which Spark reaches ADLS Gen2, of the version of Hadoop that PySpark brings.
driver = "org.apache.hadoop:hadoop-azure:3.4.1"
session = None


def connect(address, account, key):
    """Starts Spark on a Data Lake endpoint that speaks HTTP."""
    global session
    host = f"{account}.dfs.core.windows.net"
    settings = {
        # The driver of the Blob API, which is not used.
        "spark.jars.excludes": "com.microsoft.azure:azure-storage",
        "spark.jars.ivy": str(root / "node_modules" / ".cache" / "spark-jars"),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.memory": "1g",
        # For a short run on few cores: compile fast rather than well.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.shuffle.partitions": "1",
        # VACUUM would list folders in 10,000 tasks.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.hadoop.fs.azure.abfs.endpoint": address,
        "spark.hadoop.fs.azure.always.use.https": "false",
        "spark.hadoop.fs.azure.enable.readahead": "false",
        f"spark.hadoop.fs.azure.account.hns.enabled.{host}": "true",
        f"spark.hadoop.fs.azure.account.key.{host}": key,
    }
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = configure_spark_with_delta_pip(builder, [driver]).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")


def sql(statement):
    """The rows of a statement, as lists of texts."""
    rows = session.sql(statement).collect()
    return [[None if value is None else str(value) for value in row] for row in rows]


serve({"connect": connect, "sql": sql})
