namespace ZeroOS.Contracts.Farm;

/// <summary>What every document says that the farm's threshold signs about one node (docs/bus.md, "Threshold documents").</summary>
public interface IThresholdOrder
{
    /// <summary>A UUID; a node carries out each id once.</summary>
    string Id { get; }

    /// <summary>Key id of the node that is to carry it out.</summary>
    string Node { get; }

    /// <summary>It counts for nothing from then on; at most seven days ahead.</summary>
    DateTimeOffset NotAfter { get; }
}
