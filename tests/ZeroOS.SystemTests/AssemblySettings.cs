// Each test boots machines that use every core there is.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
