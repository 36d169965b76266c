//! Reads and keeps projects.

use futures::stream::Stream;
use reqwest::Method;
use runtree_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Client;
use super::paging::by_offset;
use crate::langsmith::wire::{Project, ProjectCreate, ProjectUpdate};

/// Which projects are wanted; all if nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct ProjectQuery {
    name: Option<String>,
    name_contains: Option<String>,
    ids: Vec<Uuid>,
    reference_dataset: Option<Uuid>,
    reference_free: Option<bool>,
    metadata: Map<String, Value>,
    include_stats: bool,
    limit: Option<usize>,
}

impl ProjectQuery {
    /// All projects.
    pub fn new() -> Self {
        Self::default()
    }

    /// The project of that name.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Projects with this in their name.
    pub fn name_contains(self, part: impl Into<String>) -> Self {
        Self { name_contains: Some(part.into()), ..self }
    }

    /// These projects. Repeated calls add to the list.
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.ids.extend(ids);
        self
    }

    /// Experiments on this dataset.
    pub fn reference_dataset(self, id: Uuid) -> Self {
        Self { reference_dataset: Some(id), ..self }
    }

    /// Projects that are no experiments, or that are.
    pub fn reference_free(self, free: bool) -> Self {
        Self { reference_free: Some(free), ..self }
    }

    /// Projects with this in their metadata.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// With their runs in numbers, which costs the server time.
    pub fn include_stats(self) -> Self {
        Self { include_stats: true, ..self }
    }

    /// No more than so many.
    pub fn limit(self, projects: usize) -> Self {
        Self { limit: Some(projects), ..self }
    }
}

impl Client {
    /// The projects a query asks for, page after page as the stream is read.
    ///
    /// # Errors
    /// The stream ends with its first error. They are as [above](Self#errors).
    pub fn list_projects(&self, query: ProjectQuery) -> impl Stream<Item = Result<Project>> + Send + Unpin + use<> {
        let client = self.clone();
        by_offset(query.limit, move |limit, offset| {
            let (client, query) = (client.clone(), query.clone());
            async move { client.page_of_projects(&query, limit, offset).await }
        })
    }

    /// The project of that id.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn read_project(&self, id: Uuid) -> Result<Project> {
        self.get(format!("/sessions/{id}")).read().await
    }

    /// The project of that name.
    ///
    /// # Errors
    /// As [above](Self#errors); [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn find_project(&self, name: &str) -> Result<Project> {
        let query = ProjectQuery::new().name(name);
        let found = self.page_of_projects(&query, 1, 0).await?;
        // A server that does not know the parameter answers with any project.
        found
            .into_iter()
            .find(|project| project.name == name)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no project is named `{name}`")))
    }

    /// The project of that id, with its runs in numbers.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn project_stats(&self, id: Uuid) -> Result<Project> {
        self.get(format!("/sessions/{id}")).query("include_stats", true).read().await
    }

    /// Makes a project.
    ///
    /// # Errors
    /// As [above](Self#errors); status 409 if the name is taken.
    pub async fn create_project(&self, project: &ProjectCreate) -> Result<Project> {
        self.request(Method::POST, "/sessions").json(project).read().await
    }

    /// Makes a project, or changes the one of that name.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn upsert_project(&self, project: &ProjectCreate) -> Result<Project> {
        self.request(Method::POST, "/sessions").query("upsert", true).json(project).read().await
    }

    /// Changes a project.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn update_project(&self, id: Uuid, changes: &ProjectUpdate) -> Result<Project> {
        self.request(Method::PATCH, format!("/sessions/{id}")).json(changes).read().await
    }

    /// Deletes a project and its runs.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn delete_project(&self, id: Uuid) -> Result<()> {
        self.request(Method::DELETE, format!("/sessions/{id}")).done().await
    }

    /// The workspace of the first project, which all have in common.
    pub(super) async fn first_tenant(&self) -> Result<Uuid> {
        let first = self.page_of_projects(&ProjectQuery::new(), 1, 0).await?;
        first.into_iter().find_map(|project| project.tenant_id).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "no project tells the workspace: give the client a workspace id")
        })
    }

    async fn page_of_projects(&self, query: &ProjectQuery, limit: usize, offset: usize) -> Result<Vec<Project>> {
        let mut request = self.get("/sessions").query("limit", limit).query("offset", offset);
        for id in &query.ids {
            request = request.query("id", id);
        }
        if !query.metadata.is_empty() {
            request = request.query("metadata", Value::Object(query.metadata.clone()));
        }
        if query.include_stats {
            request = request.query("include_stats", true);
        }
        request
            .query_some("name", query.name.as_ref())
            .query_some("name_contains", query.name_contains.as_ref())
            .query_some("reference_dataset", query.reference_dataset)
            .query_some("reference_free", query.reference_free)
            .read()
            .await
    }
}
