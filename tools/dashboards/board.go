package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard.
type board struct {
	name               string // the name of the file
	title, description string
	// component adds a selection of services, which queries use as component=~"$component".
	component bool
	rows      []row
}

// row is a heading and its panels, which share the width.
type row struct {
	title  string
	panels []panel
}

// panelWidth returns the width of each panel. More than four graphs do not fit side by side.
func (r row) panelWidth() uint32 {
	n := uint32(len(r.panels))
	if n > 4 && r.panels[0].latest == nil {
		n = 3
	}
	return gridWidth / n
}

// panel is a graph, or the latest value if latest is set.
type panel struct {
	title, description string
	unit               string // an identifier of package units
	latest             *limits
	queries            []query
}

// limits colour a value: green below warning, orange up to critical, and then red. If inverted is set, values below warning
// are red and others green.
type limits struct {
	warning, critical float64
	inverted          bool
}

// query is a PromQL expression. The legend may contain labels, as in {{component}}.
type query struct{ expr, legend string }

const (
	gridWidth   = 24
	panelHeight = 8
	statHeight  = 4
	tag         = "loyalty"
)

// source is the data source of all panels. The user can choose another Prometheus.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

// build returns the dashboard for Grafana.
//
//nolint:staticcheck // every version of Grafana reads the older format from files
func (b board) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder("Loyalty: "+b.title).
		Uid("loyalty-"+b.name).Description(b.description).Tags([]string{tag}).
		Readonly().Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Time("now-1h", "now").Refresh("30s").Timezone("browser").
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		Link(dashboard.NewDashboardLinkBuilder("Dashboards").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).AsDropdown(true).KeepTime(true))
	if b.component {
		d = d.WithVariable(dashboard.NewQueryVariableBuilder("component").Label("Service").Datasource(source()).
			Query(dashboard.StringOrMap{String: new("label_values(loyalty_requests_in_flight, component)")}).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).
			Multi(true).IncludeAll(true).AllValue(".*"))
	}
	id := uint32(0)
	for _, r := range b.rows {
		id++
		d = d.WithRow(dashboard.NewRowBuilder(r.title).Id(id))
		for _, p := range r.panels {
			id++
			d = d.WithPanel(p.build(id, r.panelWidth()))
		}
	}
	return d.Build()
}

func (p panel) build(id, width uint32) cog.Builder[dashboard.Panel] {
	if p.latest != nil {
		s := stat.NewPanelBuilder().Id(id).Title(p.title).Description(p.description).Datasource(source()).
			Span(width).Height(statHeight).Unit(p.unit).Thresholds(p.latest.thresholds()).
			ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeArea).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
		for i, q := range p.queries {
			s = s.WithTarget(q.build(i))
		}
		return s
	}
	g := timeseries.NewPanelBuilder().Id(id).Title(p.title).Description(p.description).Datasource(source()).
		Span(width).Height(panelHeight).Unit(p.unit).Min(0).FillOpacity(10).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for i, q := range p.queries {
		g = g.WithTarget(q.build(i))
	}
	return g
}

// thresholds returns the colours. The first step has no value: it starts at minus infinity.
func (l limits) thresholds() cog.Builder[dashboard.ThresholdsConfig] {
	steps := []dashboard.Threshold{
		{Color: "green"}, {Value: new(l.warning), Color: "orange"}, {Value: new(l.critical), Color: "red"},
	}
	if l.inverted {
		steps = []dashboard.Threshold{{Color: "red"}, {Value: new(l.warning), Color: "green"}}
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

// build returns the query. Its identifier is a letter, in the order of the queries of a panel.
func (q query) build(position int) cog.Builder[variants.Dataquery] {
	return prometheus.NewDataqueryBuilder().Datasource(source()).RefId(string(rune('A' + position))).
		Expr(q.expr).LegendFormat(q.legend).EditorMode(prometheus.QueryEditorModeCode).Range()
}
